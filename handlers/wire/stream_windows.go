// How many streams the system allows, on Windows.

package wire

// maxStreams is how many streams a server sends at the same time. Windows has no limit for
// connections that would be reached earlier.
func maxStreams() int { return mostStreams }
