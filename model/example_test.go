package model_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/loanscorer/loanscorer/model"
)

func ExampleModel_Probability() {
	m := model.Default()
	area, _ := m.Features()[3].Code("Semiurban")
	// TotalIncome, LoanAmount in thousands, Credit_History missing, Property_Area
	p, err := m.Probability([]float64{5849, 128, math.NaN(), area})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f %s\n", p, m.Policy().Decide(p))
	// Output: 0.940 approved
}

func ExamplePredictCSV() {
	rows := "Property_Area,TotalIncome,LoanAmount,Credit_History\nUrban,3000,66,1\nRural,2500,250,0\n"
	if err := model.PredictCSV(context.Background(), model.Default(), strings.NewReader(rows), os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// proba_0,proba_1,predict
	// 0.22074296582204828,0.77925703417795178,Y
	// 0.82431815807298692,0.17568184192701294,N
}

func ExampleImport() {
	pickle, err := os.ReadFile("testdata/golden/article.pkl")
	if err != nil {
		fmt.Println(err)
		return
	}
	spec, err := model.Import(pickle, model.ImportOptions{Name: "my-forest", Missing: map[string]float64{"LoanAmount": 146}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, note := range spec.Notes {
		fmt.Println(note)
	}
	file, err := model.Encode(spec) // write these bytes to M.json
	fmt.Println(len(file) > 0, err)
	// Output:
	// Property_Area is taken as a category with scikit-learn's alphabetical codes: Rural 0, Semiurban 1, Urban 2
	// class 1 is taken as approval, the second of 0, 1
	// true <nil>
}
