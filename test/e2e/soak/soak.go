// Package soak has both programs run for hours on real parts while one fault
// follows the other, and compares what they hold at first with what they hold at
// last.
package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/soak/steady"
)

const (
	// sampleEvery is the time between two samples.
	sampleEvery = 2 * time.Second
	// limit is how much may change, in relation to what there was at first.
	limit = 0.05
	// startLimit and stepLimit bound the start, and what is waited for in a step.
	startLimit = 4 * time.Minute
	stepLimit  = 4 * time.Minute // a broker's start alone can take 90 s on a machine that is busy
)

// Config says how to soak.
type Config struct {
	Where layout.Layout
	For   time.Duration // the cycle that is under way then is gone through to its end
	Page  string        // path of the page that takes the result; empty for none
	Out   io.Writer     // is told how it goes
}

// run is a soak under way.
type run struct {
	cfg   Config
	dir   string
	world *world
	csv   *os.File
	began time.Time

	mu       sync.Mutex
	cycle    int
	step     string
	samples  []steady.Sample
	problems []string
}

// Run soaks, until the time is over or the context ends, and says what has not stayed as it was, and what has failed besides. The
// files of the run are in .cache/run: the samples in soak.csv, the result in soak.md.
func Run(ctx context.Context, cfg Config) (err error) {
	r := &run{cfg: cfg, began: time.Now()}
	if r.dir, err = cfg.Where.NewRun("soak"); err != nil {
		return err
	}
	if r.csv, err = os.Create(filepath.Join(r.dir, "soak.csv")); err != nil {
		return err
	}
	defer r.csv.Close()
	if err := steady.WriteHeader(r.csv); err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, startLimit)
	r.world, err = startWorld(starting, cfg.Where, r.dir)
	cancel()
	if err != nil {
		return fmt.Errorf("%w\nThe logs of this run are in %s", err, r.dir)
	}
	r.tell("all runs; the files of this run are in %s", r.dir)
	cycles := r.soak(ctx)
	return errors.Join(r.judge(cycles, true), r.world.Close())
}

// soak goes through the schedule again and again, and returns how often.
func (r *run) soak(ctx context.Context) (cycles int) {
	sampling, stop := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	defer done.Wait()
	defer stop()
	if err := settle(ctx, r.world, 0); err != nil {
		r.complain(err.Error(), 0, "the beginning")
	}
	r.began = time.Now()
	for time.Since(r.began) < r.cfg.For {
		for _, s := range schedule() {
			r.enter(cycles, s.name)
			if cycles == 0 && len(r.samples) == 0 {
				done.Go(func() { r.sampler(sampling) })
			}
			r.suffer(ctx, s, cycles)
			if ctx.Err() != nil {
				return cycles
			}
		}
		cycles++
		r.tell("%d cycles, %s", cycles, time.Since(r.began).Round(time.Second))
		if err := r.judge(cycles, false); err != nil {
			r.tell("so far: %v", err)
		}
	}
	return cycles
}

// suffer does a step. One that fails is a problem, and the others go on.
func (r *run) suffer(ctx context.Context, s step, cycle int) {
	ctx, cancel := context.WithTimeoutCause(ctx, stepLimit, fmt.Errorf("not within %v", stepLimit))
	defer cancel()
	if err := s.do(ctx, r.world, cycle); err != nil && !errors.Is(context.Cause(ctx), context.Canceled) {
		r.complain(err.Error(), cycle, s.name)
	}
	elapse(ctx, beat/2)
}

func (r *run) enter(cycle int, step string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cycle, r.step = cycle, step
}

// now is where in the schedule the run is.
func (r *run) now() (cycle int, step string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cycle, r.step
}

func (r *run) keep(s steady.Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, s)
	if err := s.Write(r.csv); err != nil {
		r.problems = append(r.problems, err.Error())
	}
}

// complain notes what failed and was not meant to.
func (r *run) complain(what string, cycle int, step string) {
	problem := fmt.Sprintf("%s, cycle %d, %s: %s", time.Now().Format(time.TimeOnly), cycle, step, what)
	r.tell("%s", problem)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, problem)
}

func (r *run) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(r.cfg.Out, format+"\n", args...)
}

// judge compares the beginning with what there is by now, and writes the result; at the end, into the page too.
func (r *run) judge(cycles int, end bool) error {
	r.mu.Lock()
	samples, problems := r.samples, r.problems
	r.mu.Unlock()
	var errs []error
	if end {
		for _, p := range problems {
			errs = append(errs, errors.New(p))
		}
	}
	verdict, err := steady.Judge(samples, cycles)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	errs = append(errs, verdict.Err(limit))
	text := r.text(verdict, errors.Join(errs...), len(problems))
	if end {
		r.tell("%s", text)
	}
	errs = append(errs, os.WriteFile(filepath.Join(r.dir, "soak.md"), []byte(text), 0o600))
	if !end || r.cfg.Page == "" {
		return errors.Join(errs...)
	}
	page, err := os.ReadFile(r.cfg.Page)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	replaced, err := steady.Replace(string(page), text)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	return errors.Join(append(errs, os.WriteFile(r.cfg.Page, []byte(replaced), 0o600))...)
}

// text tells the result.
func (r *run) text(v steady.Verdict, failed error, problems int) string {
	outcome := fmt.Sprintf("Everything is steady within %g %%.", 100*limit)
	if failed != nil {
		outcome = fmt.Sprintf("**Failed**: not everything is steady within %g %%, or something else failed (%d problems).", 100*limit, problems)
	}
	return fmt.Sprintf("%s of %d cycles with %d steps each, %d samples; cycles %d to %d compared with the last %d. %s\n\n%s",
		time.Since(r.began).Round(time.Minute), v.Cycles, len(schedule()), v.Samples, v.WarmUp+1, v.WarmUp+v.Tenth, v.Tenth, outcome, v.Table())
}
