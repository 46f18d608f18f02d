// What a route may do with the notebook.

package notebook

// Use is what a request may do with its browser's notebook. Each use but Never and IfItCan
// also allows what the ones before it allow.
type Use int

const (
	Never      Use = iota // the notebook is not loaded
	IfItCan               // reads it, but goes on without it if its store fails
	Read                  // reads it
	Write                 // writes the notebook that there is
	Open                  // a GET opens one for a browser that has none
	OpenByForm            // a POST that no other origin began also does
)
