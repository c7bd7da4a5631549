package kafka

import "testing"

func TestRowsAreLentAgainAndLetGo(t *testing.T) {
	var rows commitRows
	first, second := rows.chunk(), rows.chunk()
	rows.reset()
	if again := rows.chunk(); &again[0] != &first[0] || len(rows.chunks) != 2 {
		t.Errorf("%d chunks, and the first is not lent again", len(rows.chunks))
	}
	if next := rows.chunk(); &next[0] != &second[0] {
		t.Error("the second is not lent again")
	}
	rows.reset()
	rows.chunk()
	rows.reset() // only one was needed
	if len(rows.chunks) != 1 || rows.chunks[:2][1] != nil {
		t.Error("what is no longer needed is kept")
	}
}
