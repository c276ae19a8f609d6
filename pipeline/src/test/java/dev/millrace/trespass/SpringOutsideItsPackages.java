package dev.millrace.trespass;

import org.springframework.core.Ordered;

/// Breaks a wall on purpose: the rule must report it.
final class SpringOutsideItsPackages implements Ordered {

    @Override
    public int getOrder() {
        return 0;
    }
}
