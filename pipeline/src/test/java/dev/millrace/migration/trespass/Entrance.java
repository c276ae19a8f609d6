package dev.millrace.migration.trespass;

/// A class that trespassers of other packages use.
public final class Entrance {}
