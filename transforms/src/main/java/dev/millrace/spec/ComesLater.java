package dev.millrace.spec;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Keys of a record of the file that are known but not built yet: refused by name.
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@interface ComesLater {

    String[] value() default {};

    /// What a list in place of the record would mean; empty when a list means nothing.
    String list() default "";
}
