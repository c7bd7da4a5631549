// Package check judges what the product served during a fault: pure functions
// over what was seen and over the truth. It asks nothing and knows no clock.
package check
