// Small tools of the suites. They call t.Error and never t.Fatal where a
// handler's goroutine may be the caller.

package storetest

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"
)

// thinkTime lies between the load and the save of each concurrent request: it
// is what makes them overlap, and part of the fact that they all count.
const thinkTime = 5 * time.Millisecond

// Equal reports a difference between what there is and what there should be.
func Equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// Is reports an error that is not the wanted one; nil wants none.
func Is(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// must ends the test if its ground cannot be laid. Not for handlers.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Together calls f(0) … f(n-1) in as many goroutines, which start at once, and
// waits for all of them.
func Together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}
