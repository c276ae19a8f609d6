package dev.millrace.trespass;

/// Breaks a wall on purpose: the rule must report its name.
final class RowManager {}
