// Package volume makes folders like those of a mounted Secret: what one shows is changed at once, by the change of a link.
package volume

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Volume is such a folder.
type Volume struct {
	dir  string
	next int
}

// New makes an empty one.
func New(dir string) (*Volume, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a volume: %w", err)
	}
	return &Volume{dir: dir}, nil
}

// Dir is the folder that shows the files.
func (v *Volume) Dir() string { return filepath.Join(v.dir, "..data") }

// Swap lets the volume show these files, and no others.
func (v *Volume) Swap(files map[string]string) error {
	v.next++
	data, link := filepath.Join(v.dir, strconv.Itoa(v.next)), filepath.Join(v.dir, "..data_tmp")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := os.Symlink(data, link); err != nil {
		return err
	}
	return os.Rename(link, v.Dir())
}
