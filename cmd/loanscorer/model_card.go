package main

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/model/card"
)

func cardCommand(s streams) *cobra.Command {
	var output string
	var html bool
	cmd := &cobra.Command{
		Use:   "card [M.json]",
		Short: "Write a model's card: what it is, how good, and what is not known",
		Long: `Write a model card as Markdown, or as a page of HTML with drawn distributions.
It is made of the model file alone: what the file does not say is listed as not
known. Without a file, the card of the built-in model.`,
		Example: `  loanscorer model card
  loanscorer model card forest.json -o card.md
  loanscorer model card forest.json --html -o card.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := loadModel(strings.Join(args, ""))
			if err != nil {
				return err
			}
			c := card.New(m)
			write := func(w io.Writer) error {
				if html {
					return c.WriteHTML(w)
				}
				return c.WriteMarkdown(w)
			}
			if output == "" {
				return write(s.out)
			}
			return writeFile(output, func(f *os.File) error { return write(f) })
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write (default: standard output)")
	cmd.Flags().BoolVar(&html, "html", false, "write HTML")
	return cmd
}
