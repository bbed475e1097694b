"""What a siamese encoder is trained on: collections of pictures, who is on them, and batches of them."""
