package ingest

import "testing"

// failure 49: the spellings of the published table, and others that can mean nothing else.
func TestCategory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		column     Column
		text, want string
	}{
		{PropertyArea, "Semi Urban", "Semiurban"},
		{PropertyArea, "SEMI-URBAN", "Semiurban"},
		{PropertyArea, "semi_urban", "Semiurban"},
		{PropertyArea, "semiurban", "Semiurban"},
		{PropertyArea, "urban", "Urban"},
		{PropertyArea, "Rural", "Rural"},
		{PropertyArea, "Suburban", "Suburban"},
		{PropertyArea, "Urban1", "Urban1"},
		{PropertyArea, "U\u017fban", "U\u017fban"},
		{Married, "Y", "Yes"},
		{Married, "n", "No"},
		{Married, "yes", "Yes"},
		{SelfEmployed, "Y", "Yes"},
		{SelfEmployed, "maybe", "maybe"},
		{Education, "Under Graduate", "Not Graduate"},
		{Education, "undergraduate", "Not Graduate"},
		{Education, "NOT GRADUATE", "Not Graduate"},
		{Education, "graduate", "Graduate"},
		{Gender, "Y", "Y"},
		{LoanStatus, "Y", "Y"},
	} {
		var a Application
		if err := a.SetText(c.column, c.text); err != nil {
			t.Fatal(err)
		}
		got, ok := a.Category(c.column)
		given, _ := a.Text(c.column)
		if !ok || got != c.want || given != c.text {
			t.Errorf("%v %q is %q, %v; want %q and the text as given, not %q", c.column, c.text, got, ok, c.want, given)
		}
	}
	var a Application
	if _, ok := a.Category(PropertyArea); ok {
		t.Error("a missing value has a category")
	}
	if _, ok := a.Category(LoanAmount); ok {
		t.Error("a number has a category")
	}
}
