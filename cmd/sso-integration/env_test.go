package main

import (
	"maps"
	"slices"
)

// EnvironmentNames returns the names of the variables that the function reads.
func EnvironmentNames() []string {
	names := map[string]bool{}
	for _, value := range []string{"", "x", "https://example.com"} { // A value may keep others from being read.
		_, _ = readConfig(func(name string) string {
			names[name] = true
			return value
		})
	}
	return slices.Sorted(maps.Keys(names))
}
