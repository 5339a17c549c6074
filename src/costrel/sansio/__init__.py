"""Registration and configuration of applications and blueprints: no request, no I/O."""
