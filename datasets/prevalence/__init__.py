"""How often each class occurs: counted, said in text, and training compared with validation."""
