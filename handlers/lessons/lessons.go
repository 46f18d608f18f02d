// Package lessons holds the lessons of the course, each in a file of its own.
package lessons

import (
	"reflect"
	"slices"

	"cookielab/handlers/course"
	"cookielab/handlers/engines"
)

// lessons has a method for each lesson: to add one, add a file.
type lessons struct{ engines *engines.Page }

// All returns the lessons in order. One is about the engines page; without
// that page they can be read, but not followed.
func All(engines *engines.Page) (all []*course.Lesson) {
	methods := reflect.ValueOf(lessons{engines})
	for i := range methods.NumMethod() {
		if make, ok := methods.Method(i).Interface().(func() course.Lesson); ok {
			l := make()
			all = append(all, &l)
		}
	}
	slices.SortFunc(all, func(a, b *course.Lesson) int { return a.Number - b.Number })
	return all
}
