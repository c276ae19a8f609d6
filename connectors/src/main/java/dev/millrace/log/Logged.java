package dev.millrace.log;

/// One committed record and where it lies.
public record Logged<T>(int partition, long offset, T content) {}
