package stack

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// checkLogs returns what the adapters wrote that is not a line of JSON with time, level and msg, whatever the libraries were that wrote it.
func (s *Stack) checkLogs() error {
	files, err := filepath.Glob(filepath.Join(s.Dir, Name+"*.log"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("there is no log of %s in %s", Name, s.Dir)
	}
	types := map[string]string{}
	var errs []error
	for _, file := range files {
		errs = append(errs, checkLog(file, types))
	}
	return errors.Join(errs...)
}

// checkLog checks a file. types are those of the attributes so far: Elasticsearch refuses a line in which one has another.
func checkLog(path string, types map[string]string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var fields map[string]any
		if err := json.Unmarshal(lines.Bytes(), &fields); err != nil {
			return fmt.Errorf("%s has a line that is no JSON: %s", path, lines.Text())
		}
		at, _ := fields["time"].(string)
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil || fields["level"] == nil || fields["msg"] == nil {
			return fmt.Errorf("%s has a line without time, level or msg: %s", path, lines.Text())
		}
		for name, value := range fields {
			kind := fmt.Sprintf("%T", value)
			if before, seen := types[name]; seen && before != kind {
				return fmt.Errorf("%s: %s is a %s, and was a %s before: %s", path, name, kind, before, lines.Text())
			}
			types[name] = kind
		}
	}
	return lines.Err()
}
