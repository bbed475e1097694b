"""What `latchkey demo` needs beside the agent."""
