package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/loanscorer/loanscorer/internal/cost"
)

// costOptions are the flags of cost.
type costOptions struct {
	applications []string
	rows         []string
	platform     string
	asJSON       bool
	assumptions  cost.Assumptions
}

func costCommand(s streams) *cobra.Command {
	o := costOptions{assumptions: cost.DefaultAssumptions()}
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Estimate what a month on AWS costs, platform by platform",
		Long: `Estimate what a month on AWS costs: single applications, and rows of files, on
Lambda (zip, image, or with the direct intake), Fargate, one EC2 machine, Kubernetes,
and the synchronous design of the article that this project grew out of.

The prices are public list prices of us-east-1 in a dated table inside this program;
every estimate names them with --json or --platform. Free tiers, discounts, taxes,
traffic and people are not counted. What is assumed can be changed by flags.`,
		Example: `  loanscorer cost
  loanscorer cost --applications 250000 --rows 40M --platform lambda-zip`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return showCost(s.out, &o) },
	}
	o.flags(cmd.Flags())
	return cmd
}

func (o *costOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.applications, "applications", []string{"1k", "1M", "100M"}, "single applications a month, several by commas")
	f.StringSliceVar(&o.rows, "rows", []string{"1k", "1M", "100M"}, "rows of files a month, several by commas")
	f.StringVar(&o.platform, "platform", "", "one platform, line by line: lambda-zip, lambda-image, direct-intake, fargate, ec2, kubernetes, synchronous")
	f.BoolVar(&o.asJSON, "json", false, "print everything as JSON")
	a := &o.assumptions
	f.Float64Var(&a.Polls, "polls", a.Polls, "how often a caller asks for each decision")
	f.Float64Var(&a.Burst, "burst", a.Burst, "the busiest hour, in averages; sizes servers")
	f.Float64Var(&a.KeepMonths, "keep-months", a.KeepMonths, "how long decisions and results are kept")
	f.Float64Var(&a.RowsPerFile, "rows-per-file", a.RowsPerFile, "rows of one file")
	f.Float64Var(&a.RowBytes, "row-bytes", a.RowBytes, "bytes of a row of CSV")
	f.Float64Var(&a.RowsPerSecond, "rows-per-second", a.RowsPerSecond, "rows that one processor scores in a second")
	f.Float64Var(&a.PerVCPU, "applications-per-vcpu", a.PerVCPU, "single applications a second that one processor of a server handles")
}

// costAnswer is the JSON of cost.
type costAnswer struct {
	Prices      *cost.Prices     `json:"price_table"`
	Assumptions cost.Assumptions `json:"assumptions"`
	Estimates   []*cost.Estimate `json:"estimates"`
}

func showCost(out io.Writer, o *costOptions) error {
	prices, err := cost.LoadPrices()
	if err != nil {
		return err
	}
	answer := costAnswer{Prices: prices, Assumptions: o.assumptions}
	volumes, err := o.volumes()
	if err != nil {
		return err
	}
	platforms := cost.Platforms()
	if o.platform != "" {
		platforms = []cost.Platform{cost.Platform(o.platform)}
	}
	for _, v := range volumes {
		for _, p := range platforms {
			e, err := cost.New(prices, o.assumptions, p, v)
			if err != nil {
				return &usageError{err}
			}
			answer.Estimates = append(answer.Estimates, e)
		}
	}
	if o.asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(answer)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if o.platform != "" {
		for _, e := range answer.Estimates {
			costLines(w, e)
		}
	} else {
		costTable(w, "single applications", platforms, answer.Estimates, func(v cost.Volume) float64 { return v.Applications })
		costTable(w, "rows of files", platforms, answer.Estimates, func(v cost.Volume) float64 { return v.Rows })
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "USD a month, list prices of %s as of %s, no free tiers. * is no way to do it: --json says why.\n", prices.Region, prices.AsOf)
	return err
}

// volumes are the applications alone, then the rows alone.
func (o *costOptions) volumes() ([]cost.Volume, error) {
	var list []cost.Volume
	for _, text := range o.applications {
		n, err := amount(text)
		if err != nil {
			return nil, usagef("--applications %s: %w", text, err)
		}
		list = append(list, cost.Volume{Applications: n})
	}
	for _, text := range o.rows {
		n, err := amount(text)
		if err != nil {
			return nil, usagef("--rows %s: %w", text, err)
		}
		list = append(list, cost.Volume{Rows: n})
	}
	return list, nil
}

// amount reads 250000, 40M, 1.5k.
func amount(text string) (float64, error) {
	number, factor := text, 1.0
	for suffix, times := range map[string]float64{"k": 1e3, "M": 1e6, "G": 1e9} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			number, factor = rest, times
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(n) || n < 0 || n*factor > 1e15 {
		return 0, errors.New("must be a number such as 250000, 250k or 40M")
	}
	return n * factor, nil
}

// costTable prints a row for each platform and a column for each volume.
func costTable(w io.Writer, title string, platforms []cost.Platform, all []*cost.Estimate, of func(cost.Volume) float64) {
	head := []string{title}
	lines := map[cost.Platform][]string{}
	for _, e := range all {
		if of(e.Volume) == 0 {
			continue
		}
		if e.Platform == platforms[0] {
			head = append(head, short(of(e.Volume)))
		}
		mark := ""
		if e.Unfit != "" {
			mark = "*"
		}
		lines[e.Platform] = append(lines[e.Platform], dollars(e.USD)+mark)
	}
	if len(head) == 1 {
		return
	}
	_, _ = fmt.Fprintf(w, "%s\t\n", strings.Join(head, "\t"))
	for _, p := range platforms {
		_, _ = fmt.Fprintf(w, "%s\t%s\t\n", p, strings.Join(lines[p], "\t"))
	}
	_, _ = fmt.Fprintln(w)
}

// costLines prints one estimate, item by item.
func costLines(w io.Writer, e *cost.Estimate) {
	_, _ = fmt.Fprintf(w, "%s, %s applications, %s rows\t\t\t%s\t\n", e.Platform, short(e.Applications), short(e.Rows), dollars(e.USD))
	for _, i := range e.Items {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", i.Price, i.Why, short(i.Quantity), dollars(i.USD))
	}
	if e.Unfit != "" {
		_, _ = fmt.Fprintf(w, "* no way to do it: %s\t\t\t\t\n", e.Unfit)
	}
	_, _ = fmt.Fprintln(w)
}

func short(n float64) string {
	switch {
	case n >= 1e9:
		return strconv.FormatFloat(n/1e9, 'g', 4, 64) + "G"
	case n >= 1e6:
		return strconv.FormatFloat(n/1e6, 'g', 4, 64) + "M"
	case n >= 1e3:
		return strconv.FormatFloat(n/1e3, 'g', 4, 64) + "k"
	default:
		return strconv.FormatFloat(n, 'g', 4, 64)
	}
}

func dollars(usd float64) string {
	if usd > 0 && usd < 0.01 {
		return strconv.FormatFloat(usd, 'f', 6, 64)
	}
	return strconv.FormatFloat(usd, 'f', 2, 64)
}
