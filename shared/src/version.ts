/** The version of OneCLI that this is: that of its packages. */
export const productVersion = '0.1.0';
