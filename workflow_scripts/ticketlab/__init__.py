"""ticketlab: lottery tickets and developmental interpretability, measured on the same networks."""
