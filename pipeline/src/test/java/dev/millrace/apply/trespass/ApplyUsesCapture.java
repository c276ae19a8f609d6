package dev.millrace.apply.trespass;

import dev.millrace.capture.trespass.CaptureUsesApply;

/// Breaks a wall on purpose: the rule must report it.
public final class ApplyUsesCapture {

    CaptureUsesApply use() {
        return new CaptureUsesApply();
    }
}
