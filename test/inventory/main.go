// Command inventory says what a program is made of: each module whose code is linked into it, with its licence. It fails, after all is written, if one
// has a licence that the project's own, Apache 2.0, does not go together with.
//
//	inventory --sbom=FILE --licenses=FILE --version=VERSION PACKAGE
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "inventory:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("inventory", flag.ContinueOnError)
	sbom := flags.String("sbom", "", "file to write a CycloneDX bill of materials to")
	licenses := flags.String("licenses", "", "file to write the licences to, with their texts")
	version := flags.String("version", "devel", "version of the program")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("want one argument: the program's package, such as ./cmd/lag-adapter")
	}
	program, err := modulesOf(ctx, flags.Arg(0))
	if err != nil {
		return err
	}
	program.version = *version
	var errs []error
	if *sbom != "" {
		errs = append(errs, toFile(*sbom, program.writeSBOM))
	}
	if *licenses != "" {
		errs = append(errs, toFile(*licenses, program.writeLicenses))
	}
	return errors.Join(append(errs, program.check())...)
}

func toFile(path string, write func(*os.File) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
