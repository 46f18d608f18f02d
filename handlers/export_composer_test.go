package handlers

// PresetsForTest are the names of the composer's presets.
func PresetsForTest() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.ID())
	}
	return names
}
