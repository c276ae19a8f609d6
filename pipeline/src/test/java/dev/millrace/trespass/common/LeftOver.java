package dev.millrace.trespass.common;

/// Breaks a wall on purpose: the rule must report it.
final class LeftOver {}
