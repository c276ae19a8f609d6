package dev.millrace.testing;

import java.time.Duration;

/// How long a test waits for a condition.
public final class Waits {

    /// The limit of a wait. It ends a test that hangs and says nothing about how fast the product
    /// is: a machine that is ten times slower, because other tests use it, must not reach it. It is
    /// shorter than the ten minutes after which the product gives a silent session up.
    public static final Duration LIMIT = Duration.ofMinutes(5);

    private Waits() {}
}
