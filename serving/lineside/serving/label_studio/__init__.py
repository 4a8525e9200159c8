"""Label Studio's side of the loop: it asks for the live model's boxes, and says when somebody labelled something."""
