package dev.millrace.spec;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Keys of a record of the file of which one at most may be given.
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@interface AtMostOne {

    String[] value();
}
