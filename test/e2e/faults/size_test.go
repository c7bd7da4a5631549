package faults

import (
	"os"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
)

// size is how much runs, and how long: a little for each change of the code, all of it for `make faults`.
type size struct {
	full           bool
	groups, scaled int
	poll, maxAge   time.Duration
	sync           time.Duration // of HPAs
}

// sizeOf reads it from the environment.
func sizeOf() size {
	if os.Getenv("FAULTS") == "full" {
		return size{full: true, groups: 200, scaled: 5, poll: 5 * time.Second, maxAge: time.Minute, sync: 15 * time.Second}
	}
	return size{groups: 30, scaled: 2, poll: time.Second, maxAge: 10 * time.Second, sync: time.Second}
}

// all are all groups of the load.
func (s size) all() int {
	const others = 3 // the steady one, share and streams
	return s.groups + len(load.Kinds())*s.scaled + others
}

// jvm lets brokers that run for long spend less of the CPU on what they always do, for more of it at first.
func (s size) jvm() []string {
	if s.full {
		return []string{"-XX:TieredStopAtLevel=4"}
	}
	return nil
}
