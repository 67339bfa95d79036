from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.ticketlab.tasks.language.documents import Document, cut


@given(st.text("ab \n", max_size=60), st.integers(1, 20))
def test_pieces_join_to_the_document_and_are_no_longer_than_asked(text, most):
    pieces = list(cut(Document("one", text), most))
    assert "".join(piece.text for piece in pieces) == text
    assert all(1 <= len(piece.text) <= most for piece in pieces)
    assert all(text.startswith(piece.text, int(piece.name.removeprefix("one@"))) for piece in pieces)


def test_a_piece_ends_at_a_paragraph_before_a_line_before_a_word_before_any_character():
    def pieces(text):
        return [piece.text for piece in cut(Document("one", text), 10)]

    assert pieces("abcdef\n\nh\nij k") == ["abcdef\n\n", "h\nij k"]
    assert pieces("abcdef\ngh ij kl") == ["abcdef\n", "gh ij kl"]
    assert pieces("ab defgh ijklmn") == ["ab defgh ", "ijklmn"]
    assert pieces("ab defghijklmn") == ["ab defghij", "klmn"], "a break in the first half would leave a stub"
