package dev.millrace.capture.trespass;

import dev.millrace.apply.trespass.ApplyUsesCapture;

/// Breaks a wall on purpose: the rule must report it.
public final class CaptureUsesApply {

    ApplyUsesCapture use() {
        return new ApplyUsesCapture();
    }
}
