// Package card writes model cards: what a model is, what it was made of, how
// good it was found, and what is not known about it, for people.
//
//	model file ──▶ New ──▶ Card ──▶ Markdown, or HTML with drawn distributions
//
// A card is made of the model file and the reason codes alone, and so is the
// same at every run. What the file does not say is listed as not known; nothing
// is guessed. It holds aggregates only.
package card
