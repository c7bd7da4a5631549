// Command collection measures what a collection costs, in ratios to the least that a client can do. `make bench` runs it.
//
// A lean fake of three brokers, the floor and the collector run in processes of their own and take turns: the collector collects,
// then the floor sends the very requests that the fake has seen and only decodes the answers into flat rows; so does the library, by kmsg's
// decoders.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

type options struct {
	sizes    string
	batches  int
	times    int
	interval time.Duration
	profile  string
}

func main() {
	var o options
	role := flag.String("role", "", "set by the program itself: which of its processes this is")
	flag.StringVar(&o.sizes, "sizes", "S,M,L,XL", "sizes of the cluster")
	flag.IntVar(&o.batches, "batches", 7, "batches, of which the median is taken")
	flag.IntVar(&o.times, "times", 3, "collections of each batch; their garbage is collected within the batch, more or less")
	flag.DurationVar(&o.interval, "interval", time.Second, "from one collection to the next; a third of what changes slowly is read in each")
	flag.StringVar(&o.profile, "profile", "", "folder for CPU and allocation profiles of the collector and the floor")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *role, o); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "collection:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, role string, o options) error {
	switch role {
	case "fake":
		return serve(os.Stdin, os.Stdout, (&fakeRole{}).do)
	case "floor":
		return profiled(o.profile, role, func() error { return serve(os.Stdin, os.Stdout, (&floorRole{}).do) })
	case "library":
		return profiled(o.profile, role, func() error { return serve(os.Stdin, os.Stdout, (&floorRole{library: true}).do) })
	case "collector":
		return profiled(o.profile, role, func() error { return serve(os.Stdin, os.Stdout, (&collectorRole{}).do) })
	}
	fmt.Printf("%s, GOMAXPROCS %d, %d batches of %d collections\n", runtime.Version(), runtime.GOMAXPROCS(0), o.batches, o.times)
	return bench(ctx, os.Stdout, o)
}

func bench(ctx context.Context, out io.Writer, o options) error {
	var rows []collectionRow
	for _, size := range strings.Split(o.sizes, ",") {
		r, err := measureCollection(ctx, size, o)
		if err != nil {
			return fmt.Errorf("size %s: %w", size, err)
		}
		rows = append(rows, r)
	}
	if err := printCollections(out, rows); err != nil {
		return err
	}
	var hot []hotRow
	for _, size := range strings.Split(o.sizes, ",") {
		r, err := measureHot(ctx, size, o)
		if err != nil {
			return fmt.Errorf("hot lane, size %s: %w", size, err)
		}
		hot = append(hot, r)
	}
	return printHot(out, hot)
}

// profiled writes profiles into the folder, none if it has no name.
func profiled(folder, role string, work func() error) error {
	if folder == "" {
		return work()
	}
	runtime.MemProfileRate = 64 << 10
	name := func(kind string) string { return fmt.Sprintf("%s/%s-%d.%s", folder, role, os.Getpid(), kind) }
	cpu, err := os.Create(name("cpu"))
	if err != nil {
		return err
	}
	defer cpu.Close()
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return err
	}
	err = work()
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	allocs, err := os.Create(name("allocs"))
	if err != nil {
		return err
	}
	defer allocs.Close()
	return pprof.Lookup("allocs").WriteTo(allocs, 0)
}
