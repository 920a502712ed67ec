@node "%~dp0..\scripts\bootstrap.mjs" %*
