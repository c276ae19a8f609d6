package dev.millrace.trespass;

/// Is public, but not listed as a door: the rule must report it.
public final class PublicOutsideTheList {}
