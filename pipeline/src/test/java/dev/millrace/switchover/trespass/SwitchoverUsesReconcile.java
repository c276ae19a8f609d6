package dev.millrace.switchover.trespass;

import dev.millrace.reconcile.trespass.ReconcileUsesMigration;

/// Breaks a wall on purpose: the rule must report it.
final class SwitchoverUsesReconcile {

    ReconcileUsesMigration use() {
        return new ReconcileUsesMigration();
    }
}
