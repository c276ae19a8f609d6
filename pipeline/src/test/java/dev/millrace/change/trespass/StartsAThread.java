package dev.millrace.change.trespass;

/// Breaks a wall on purpose: the rule must report it.
final class StartsAThread {

    void start(Runnable task) {
        Thread.ofPlatform().start(task);
    }
}
