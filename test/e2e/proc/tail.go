package proc

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Tail returns the last lines of a file, for a message; when it cannot be
// read, it says so in their place.
func Tail(path string, lines int) string {
	const most = 64 << 10
	f, err := os.Open(path)
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil && end > most {
		_, err = f.Seek(-most, io.SeekEnd)
		if err != nil {
			return fmt.Sprintf("(%v)", err)
		}
	} else if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
