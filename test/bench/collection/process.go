package main

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// Each part runs in a process of its own, so that CPU and memory are its own. They are told what to do on their standard input and say
// on their standard output that it is done; they end when their input does.

// command is one thing to do.
type command struct {
	Do        string
	Shape     fakekafka.Shape      // of the fake
	Addresses []string             // of the fake, for the others
	Recorded  []fakekafka.Recorded // for the floor
	SlowEvery time.Duration        // of the collector
	Groups    []string             // of a hot poll
	Times     int                  // how many hot polls
}

// reply says how it went.
type reply struct {
	Err       string
	Addresses []string                     // of the fake
	Recorded  []fakekafka.Recorded         // by the fake
	Counts    map[kmsg.Key]fakekafka.Count // by the fake
	Sample    sample
	Part      sample // of Sample, what Compute took
	PeakMiB   float64
	LiveMiB   float64
	Bytes     int // of the exposition
}

// serve is what a process does with its commands.
func serve(in io.Reader, out io.Writer, do func(command) (reply, error)) error {
	commands, replies := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var c command
		if err := commands.Decode(&c); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		r, err := do(c)
		if err != nil {
			r.Err = err.Error()
		}
		if err := replies.Encode(r); err != nil {
			return err
		}
	}
}

// process is a running part.
type process struct {
	role     string
	cmd      *exec.Cmd
	in       io.WriteCloser
	commands *gob.Encoder
	replies  *gob.Decoder
}

func start(ctx context.Context, role string, args ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{role: role, cmd: exec.CommandContext(ctx, program, append([]string{"-role=" + role}, args...)...)}
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	p.commands, p.replies = gob.NewEncoder(p.in), gob.NewDecoder(out)
	return p, p.cmd.Start()
}

func (p *process) do(c command) (reply, error) {
	if err := p.commands.Encode(c); err != nil {
		return reply{}, fmt.Errorf("%s: %w", p.role, err)
	}
	var r reply
	if err := p.replies.Decode(&r); err != nil {
		return reply{}, fmt.Errorf("%s: %s: %w", p.role, c.Do, err)
	}
	if r.Err != "" {
		return reply{}, fmt.Errorf("%s: %s: %s", p.role, c.Do, r.Err)
	}
	return r, nil
}

// stop ends the process and waits for it.
func (p *process) stop() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }
