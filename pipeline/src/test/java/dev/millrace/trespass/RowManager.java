package dev.millrace.trespass;

/// Breaks a wall on purpose: the rule must see its name.
final class RowManager {}
