package main

const updates = 500

func measureLost(*host, effort, *table) error { return nil }
func measureMany(*host, effort, *table) error { return nil }
func measureRates(*host, effort, *table) error { return nil }
func serveOne(*host, string) error { return nil }
