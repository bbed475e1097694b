"""What is said of people on the command line, on the device and from an admin's desk alike."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.access.holder import State

Person = Annotated[str, typer.Argument(metavar="PERSON", help="An id.")]
Stdin = Annotated[bool, typer.Option("--stdin", help="Read it from stdin, one a line, without asking.")]
New = Annotated[bool, typer.Option("--new", help="Add them, where they are not there.")]
Called = Annotated[str | None, typer.Option(help="What humans call them.")]
Badge = Annotated[str | None, typer.Option(help='Badge number; "" for none.')]
Groups = Annotated[
    list[str] | None,
    typer.Option(metavar="[+|-]GROUP", help="+ puts into it, - takes out; without these alone. Repeatable."),
]
Start = Annotated[str | None, typer.Option("--from", metavar="TIME", help='Valid from; "" for ever.')]
End = Annotated[str | None, typer.Option("--to", metavar="TIME", help='Valid to; "" for good.')]
Standing = Annotated[State | None, typer.Option(help="How they stand with the site.")]
Factors = Annotated[
    str | None, typer.Option(help='What they have to show, such as "card+pin"; "": what the door asks for.')
]
Extended = Annotated[bool | None, typer.Option(help="They need more time at the door.")]
Visitor = Annotated[bool | None, typer.Option(help="They are forgotten after --to.")]
Notes = Annotated[str | None, typer.Option(help="For whoever administers.")]
Duress = Annotated[bool, typer.Option("--duress", help="Also set a second PIN that opens and raises a silent alarm.")]
Clear = Annotated[bool, typer.Option("--clear", help="Take the PIN and the duress PIN away.")]
Agreed = Annotated[str | None, typer.Option("--consent", metavar="TEXT", help="They have agreed to this text.")]
Consented = Annotated[bool, typer.Option("--consented", help="They have agreed to the device's text.")]
AskConsent = Annotated[
    bool, typer.Option("--ask-consent", help="They read the device's text on its screen, and agree there.")
]
