package explain_test

import (
	"fmt"
	"math"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// A scorer makes one Explainer a model, and for each worker the two slices.
func Example() {
	m := model.Default()
	e, err := explain.New(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	contributions := make([]float64, len(m.Features()))
	reasons := make([]explain.Reason, 0, explain.MaxReasons)

	for _, x := range [][]float64{{5849, 128, 1, 2}, {3000, math.NaN(), 0, 0}} {
		p, err := m.Probability(x)
		if err != nil {
			fmt.Println(err)
			return
		}
		decision := m.Policy().Decide(p)
		fmt.Printf("%.3f %s\n", p, decision)
		if decision == model.Approved {
			continue
		}
		if _, err := e.Explain(x, contributions); err != nil {
			fmt.Println(err)
			return
		}
		reasons = e.Reasons(x, contributions, reasons[:0])
		for _, r := range reasons {
			fmt.Printf("%+.3f %s: %s\n", r.Contribution, r.Code, r.Text(explain.English))
		}
	}
	// Output:
	// 0.903 approved
	// 0.182 declined
	// -0.408 CREDIT_HISTORY: Credit history does not meet the guidelines
	// -0.040 TOTAL_INCOME: Total income, for the loan requested
	// -0.037 PROPERTY_AREA: Area of the property
	// -0.019 LOAN_AMOUNT_MISSING: No loan amount was given
}
