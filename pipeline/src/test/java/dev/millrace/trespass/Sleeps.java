package dev.millrace.trespass;

/// Breaks a wall on purpose: the rule must report it.
final class Sleeps {

    void pause() throws InterruptedException {
        Thread.sleep(1);
    }
}
