package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// A line of the record is one answer:
//
//	KIND ASKED ANSWERED NAME [ENTRY=VALUE]...
//
// with times in milliseconds since 1970. What is not listed is as in the line before of the same kind and name; "ENTRY=" is gone,
// "ENTRY=!" could not be read, and "!ERROR" in place of entries says that nothing could. Kinds are: c, the commits of a group
// (topic/partition=offset, of share groups with :lag); h, s, l, the high watermarks, log starts and last stable offsets of a topic
// (partition=offset); g, the groups with their types; t, the topics with their ids. The last line is "end".

// kinds of tracks besides those of lines.
const (
	commits     = 'c'
	watermarks  = 'h'
	starts      = 's'
	stables     = 'l'
	groups      = 'g'
	topics      = 't'
	brokersLags = 'b' // of share groups
)

const (
	unreadable = "!"
	perMilli   = 1000 // microseconds
)

// Record is what was recorded.
type Record struct {
	tracks map[key]*track
	// topicsOf and partitionsOf list what has ever been seen of a group and of a topic.
	topicsOf     map[string]map[string]bool
	partitionsOf map[string]map[int32]bool
	words        map[string]int64 // numbers for values that are none
	Answers      int              // that were recorded
	Failures     int              // of them, that could not be read
}

type key struct {
	kind  byte
	name  string
	entry string
}

// subject is what the lines of one kind and name are about.
type subject struct {
	values map[string]string
	// seen is a run over all lines so far: for an entry that turns up, it is the time in which it was not there.
	seen track
}

// Read reads a record.
func Read(from io.Reader) (*Record, error) {
	r := &Record{
		tracks: map[key]*track{}, topicsOf: map[string]map[string]bool{}, partitionsOf: map[string]map[int32]bool{}, words: map[string]int64{},
	}
	subjects := map[string]*subject{}
	in, last := bufio.NewScanner(from), ""
	in.Buffer(nil, 16<<20)
	for n := 1; in.Scan(); n++ {
		last = in.Text()
		if last == "end" || last == "full" {
			break
		}
		if err := r.line(last, subjects); err != nil {
			return nil, fmt.Errorf("line %d of the record: %w: %.200s", n, err, last)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("reading the record: %w", err)
	}
	if last != "end" {
		return nil, fmt.Errorf("the record has no end: its last line is %.200q (full: it reached its greatest size)", last)
	}
	for _, t := range r.tracks {
		t.seal()
	}
	return r, nil
}

func (r *Record) line(line string, subjects map[string]*subject) error {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(fields[0]) != 1 {
		return errors.New("too few fields")
	}
	asked, err1 := strconv.ParseInt(fields[1], 10, 64)
	answered, err2 := strconv.ParseInt(fields[2], 10, 64)
	name, err3 := url.QueryUnescape(fields[3])
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	r.Answers++
	entries := fields[4:]
	if len(entries) == 1 && strings.HasPrefix(entries[0], unreadable) {
		r.Failures++
		return nil
	}
	kind := fields[0][0]
	s := subjects[fields[0]+name]
	if s == nil {
		s = &subject{values: map[string]string{}}
		subjects[fields[0]+name] = s
	}
	if err := r.change(s, kind, name, entries); err != nil {
		return err
	}
	asked, answered = asked*perMilli, answered*perMilli
	for e, value := range s.values {
		if err := r.value(key{kind, name, e}, asked, answered, value); err != nil {
			return err
		}
	}
	s.seen.read(asked, answered, 0, true)
	return nil
}

// change applies a line's entries. A track that begins here begins with the time in which it had no value.
func (r *Record) change(s *subject, kind byte, name string, entries []string) error {
	for _, e := range entries {
		entry, value, ok := strings.Cut(e, "=")
		if !ok {
			return fmt.Errorf("%q is no entry", e)
		}
		entry, err := url.QueryUnescape(entry)
		if err != nil {
			return err
		}
		if _, known := s.values[entry]; !known {
			tracked := []byte{kind}
			if kind == commits {
				tracked = append(tracked, brokersLags)
			}
			for _, kind := range tracked {
				r.tracks[key{kind, name, entry}] = &track{runs: append([]run(nil), s.seen.runs...)}
			}
			r.remember(kind, name, entry)
		}
		s.values[entry] = value
	}
	return nil
}

func (r *Record) remember(kind byte, name, entry string) {
	switch kind {
	case commits:
		topic, _ := topicOf(entry)
		if r.topicsOf[name] == nil {
			r.topicsOf[name] = map[string]bool{}
		}
		r.topicsOf[name][topic] = true
	case watermarks:
		if r.partitionsOf[name] == nil {
			r.partitionsOf[name] = map[int32]bool{}
		}
		if p, err := strconv.ParseInt(entry, 10, 32); err == nil {
			r.partitionsOf[name][int32(p)] = true
		}
	}
}

// value adds a reading to an entry's track.
func (r *Record) value(k key, asked, answered int64, value string) error {
	t := r.tracks[k]
	switch {
	case value == unreadable:
		return nil
	case value == "":
		t.read(asked, answered, 0, true)
		if k.kind == commits {
			r.tracks[key{brokersLags, k.name, k.entry}].read(asked, answered, 0, true)
		}
		return nil
	case k.kind == groups || k.kind == topics:
		word, ok := r.words[value]
		if !ok {
			word = int64(len(r.words))
			r.words[value] = word
		}
		t.read(asked, answered, word, false)
		return nil
	}
	offset, lag, share := strings.Cut(value, ":")
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return err
	}
	t.read(asked, answered, n, false)
	if share {
		if n, err = strconv.ParseInt(lag, 10, 64); err != nil {
			return err
		}
		r.tracks[key{brokersLags, k.name, k.entry}].read(asked, answered, n, false)
	}
	return nil
}
