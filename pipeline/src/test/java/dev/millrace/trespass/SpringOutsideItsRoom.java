package dev.millrace.trespass;

import org.springframework.core.Ordered;

/// Breaks a wall on purpose: the rule must see it.
final class SpringOutsideItsRoom implements Ordered {

    @Override
    public int getOrder() {
        return 0;
    }
}
