package main

import (
	"math"
	"testing"
	"time"
)

func TestTrend(t *testing.T) {
	line := func(from, perSecond, noise float64) (rows []row) {
		for i := range 21 {
			r := row{at: time.Duration(i) * time.Second}
			r.measures[disk] = from + perSecond*float64(i) + noise*float64(i%2)
			rows = append(rows, r)
		}
		return rows
	}
	for _, tt := range []struct{ from, perSecond, noise, mean, growth float64 }{
		{100, 0, 0, 100, 0},
		{100, 2, 0, 120, 40},
		{100, -1, 0, 90, -20},
		{100, 0, 10, 104.76, 0},
	} {
		mean, growth := trend(line(tt.from, tt.perSecond, tt.noise), disk)
		if math.Abs(mean-tt.mean) > 0.1 || math.Abs(growth-tt.growth) > 0.1 {
			t.Errorf("%+v: mean %.2f, growth %.2f", tt, mean, growth)
		}
	}
}
