package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// streams are where a command reads and writes: data on out, words on err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitPartly = 3
)

// errPartly ends a command that did its work, but not on everything: exit 3.
var errPartly = errors.New("partly failed")

// errFailed ends a command that has said itself what failed: exit 1.
var errFailed = errors.New("failed")

// usageError is a mistake in the command line: exit 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// output remembers the first error of writing to w, so that a table of which a
// part was lost does not look like success.
type output struct {
	w   io.Writer
	mu  sync.Mutex
	err error
}

// Write implements [io.Writer].
func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil {
		o.mu.Lock()
		o.err = cmp.Or(o.err, err)
		o.mu.Unlock()
	}
	return n, err
}

// lost is the first error of a Write.
func (o *output) lost() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	out := &output{w: s.out}
	s.out = out
	root := newRoot(s) //nolint:contextcheck // commands get their context from cobra
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.lost()
	}
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errPartly):
		return exitPartly
	case errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command"),
		strings.HasPrefix(err.Error(), "if any flags in the group"): // cobra's words for flags that exclude each other
		printError(s.err, err)
		_, _ = fmt.Fprintf(s.err, "Run '%s --help' for usage.\n", cmd.CommandPath())
		return exitUsage
	default:
		printError(s.err, err)
		return exitFailed
	}
}

// printError says what went wrong, unless a command has said it all.
func printError(w io.Writer, err error) {
	if !errors.Is(err, errPartly) && !errors.Is(err, errFailed) {
		_, _ = fmt.Fprintf(w, "loanscorer: %v\n", err)
	}
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:     "loanscorer",
		Short:   "Score loan applications asynchronously",
		Version: version,
		Long: `loanscorer scores loan applications with a random forest, asynchronously.

Applications come in one at a time over HTTP, or as CSV files dropped into S3.
They wait in SQS, a worker scores them, and the results are Parquet files in S3.
'loanscorer serve' runs all of it on this machine with nothing else installed.

Every flag can also be set by the environment: LOANSCORER_ and the flag's name
in capitals with underscores, such as LOANSCORER_DATA for --data. A flag on the
command line goes first.

Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 partly failed (some rows or
applications were rejected).`,
		Example: `  loanscorer serve
  loanscorer score loans.csv -o decisions.parquet
  loanscorer upload loans.csv --wait`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              cobra.NoArgs,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd.Flags()) },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(
		serveCommand(s), apiCommand(s), workerCommand(s), demoCommand(s),
		scoreCommand(s), checkCommand(s), submitCommand(s), statusCommand(s), uploadCommand(s),
		batchesCommand(s), cancelCommand(s), reportCommand(s), resultsCommand(s), verifyCommand(s), compactCommand(s), modelCommand(s), explainCommand(s),
		trainCommand(s), evaluateCommand(s), tuneCommand(s), fairnessCommand(s), versionCommand(s),
		costCommand(s), planCommand(s), doctorCommand(s), eraseCommand(s), healthCommand(s),
	)
	usageArgs(root)
	return root
}

// usageArgs makes every wrong number of arguments a usage error.
func usageArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &usageError{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		usageArgs(sub)
	}
}

// fromEnvironment sets the flags that were not given from LOANSCORER_*.
func fromEnvironment(flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		name := environmentName(f.Name)
		value, ok := os.LookupEnv(name)
		if !ok || f.Changed || f.Name == "help" || err != nil {
			return
		}
		if setErr := flags.Set(f.Name, value); setErr != nil {
			err = usagef("%s: %w", name, setErr)
		}
	})
	return err
}

func environmentName(flag string) string {
	return "LOANSCORER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
