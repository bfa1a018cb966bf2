"""What all of the room uses: files that are whole or not there, names, sentences."""
