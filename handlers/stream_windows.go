package handlers

// maxStreams is how many streams a server tells at once. Windows sets no limit to
// connections that would be reached before.
func maxStreams() int { return mostStreams }
