// The bundler gives a style sheet as its text.
declare module "*.css" {
  const text: string;
  export default text;
}

// The bundler gives a worker as the text of a bundle of its own.
declare module "worker:*" {
  const text: string;
  export default text;
}
